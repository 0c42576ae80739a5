-- Which term of leadership is the newest of each name: writers check theirs in the transaction that writes.
CREATE TABLE leader (
  name text PRIMARY KEY CHECK (name <> ''),
  epoch bigint NOT NULL CHECK (epoch > 0),
  holder text NOT NULL,
  since timestamptz(3) NOT NULL
);
