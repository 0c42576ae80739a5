-- How the live feed of a source is, as the process that runs it last said.
CREATE TABLE feed_status (
  source_name      text PRIMARY KEY,
  is_connected     boolean NOT NULL,
  is_silent        boolean NOT NULL,
  last_message_at  timestamptz(3),
  last_source_time timestamptz(3),
  reconnects       integer NOT NULL,
  gaps_found       integer NOT NULL,
  gaps_repaired    integer NOT NULL,
  quarantined      integer NOT NULL,
  reported_at      timestamptz(3) NOT NULL,
  CONSTRAINT feed_status_counts CHECK (reconnects >= 0 AND quarantined >= 0 AND gaps_repaired BETWEEN 0 AND gaps_found)
);
