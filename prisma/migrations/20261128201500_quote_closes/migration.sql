-- What a quote's changes are against: within a minute the price moves and these stay.
ALTER TABLE quote
  ADD COLUMN close_1h numeric CHECK (close_1h > 0),
  ADD COLUMN close_24h numeric CHECK (close_24h > 0),
  ADD COLUMN close_7d numeric CHECK (close_7d > 0);
