-- How somebody shows who they are: API keys, sessions, and the nonces of Sign-In with Ethereum. No table holds what
-- a client shows: keys and sessions are kept as SHA-256 hashes.

CREATE UNIQUE INDEX account_name_key ON account (name);

CREATE TABLE api_key (
  -- The public part of the key, which stands in its text.
  id         text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{12}$'),
  account_id integer NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
  created_at timestamptz(3) NOT NULL,
  -- From when it is refused; null: never. Revoking sets it to now.
  expires_at timestamptz(3)
);
CREATE INDEX api_key_account_idx ON api_key (account_id, created_at);

CREATE TABLE session (
  hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  account_id integer NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  created_at timestamptz(3) NOT NULL,
  expires_at timestamptz(3) NOT NULL,
  CHECK (expires_at > created_at AND expires_at <= created_at + interval '24 hours')
);
CREATE INDEX session_account_idx ON session (account_id);
CREATE INDEX session_expires_idx ON session (expires_at);

CREATE TABLE siwe_nonce (
  nonce      text PRIMARY KEY CHECK (nonce ~ '^[a-zA-Z0-9]{24,}$'),
  expires_at timestamptz(3) NOT NULL
);
CREATE INDEX siwe_nonce_expires_idx ON siwe_nonce (expires_at);

-- Secrets that the installation made for itself, such as the one that signs sessions.
CREATE TABLE secret (
  name  text PRIMARY KEY,
  value bytea NOT NULL CHECK (octet_length(value) >= 32)
);
