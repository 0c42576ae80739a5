-- The state of the engine of each universe, so that a restart goes on where it stopped: one checkpoint a universe, replaced
-- as a whole. It can always be made again from the candles.
CREATE TABLE engine_checkpoint (
  is_simulated boolean PRIMARY KEY,
  -- What the state was made by and of: code, models, strategies, members. Another one: the state does not fit.
  fingerprint  text NOT NULL,
  -- By interval: the last close settled, and how many candles with how many corrections went in.
  progress     jsonb NOT NULL,
  part_count   integer NOT NULL CHECK (part_count >= 0),
  saved_at     timestamptz(3) NOT NULL
);

CREATE TABLE engine_checkpoint_part (
  is_simulated boolean NOT NULL REFERENCES engine_checkpoint (is_simulated) ON DELETE CASCADE,
  part         integer NOT NULL CHECK (part >= 0),
  state        bytea NOT NULL,
  PRIMARY KEY (is_simulated, part)
);
ALTER TABLE engine_checkpoint_part ALTER COLUMN state SET STORAGE EXTERNAL; -- compressed already
