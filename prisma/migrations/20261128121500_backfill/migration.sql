-- How far the history of a market has been asked for: [covered_from, covered_to). A backfill goes on from there.
CREATE TABLE backfill_progress (
  series_id    integer NOT NULL REFERENCES series (id) ON DELETE CASCADE,
  interval     "CandleInterval" NOT NULL,
  covered_from timestamptz(3) NOT NULL,
  covered_to   timestamptz(3) NOT NULL,
  PRIMARY KEY (series_id, interval),
  CONSTRAINT backfill_progress_span CHECK (covered_from < covered_to)
);
