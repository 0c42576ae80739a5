-- Wallet apps: reference data that ships with the product. Facts that nobody has shown are null.

CREATE TABLE wallet_app (
  slug           text PRIMARY KEY CHECK (slug ~ '^[a-z0-9][a-z0-9-]*$'),
  name           text NOT NULL CHECK (name <> ''),
  url            text NOT NULL CHECK (url LIKE 'https://%'),
  custody        text NOT NULL CHECK (custody IN ('HOT', 'COLD')),
  is_hardware    boolean NOT NULL,
  is_open_source boolean,
  has_multisig   boolean,
  has_dapps      boolean,
  has_staking    boolean,
  -- [{ "url", "facts": [...] }]: where each fact stands.
  sources        jsonb NOT NULL CHECK (jsonb_typeof(sources) = 'array' AND jsonb_array_length(sources) > 0),
  checked_on     date NOT NULL,
  -- Version of the shipped list that the row is of; all rows have the same.
  list_version   integer NOT NULL CHECK (list_version > 0)
);

CREATE TABLE wallet_app_network (
  app     text NOT NULL REFERENCES wallet_app (slug) ON DELETE CASCADE,
  network text NOT NULL REFERENCES network (slug),
  PRIMARY KEY (app, network)
);
CREATE INDEX wallet_app_network_network_idx ON wallet_app_network (network, app);
