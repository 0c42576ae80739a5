-- Signals that corrected candles no longer give. The signal stays as it was published; this says from when it no longer
-- stands. A signal that it corrected is withdrawn with it.
CREATE TABLE signal_withdrawal (
  signal_id    bigint PRIMARY KEY REFERENCES signal (id) ON DELETE CASCADE,
  withdrawn_at timestamptz(3) NOT NULL
);
CREATE TRIGGER signal_withdrawal_immutable BEFORE UPDATE OR DELETE ON signal_withdrawal FOR EACH ROW EXECUTE FUNCTION refuse_change();
