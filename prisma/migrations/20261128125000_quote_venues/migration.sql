-- How a quote was made, and of which venues: computed with it, in the same statement.
ALTER TABLE quote
  ADD COLUMN method text NOT NULL DEFAULT 'SINGLE_VENUE' CHECK (method IN ('SINGLE_VENUE', 'WEIGHTED_MEDIAN')),
  ADD COLUMN venues jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(venues) = 'array');
