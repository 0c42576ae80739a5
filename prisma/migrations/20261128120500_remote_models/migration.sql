-- A grade by a remote model says what answered: the model on its server, or the model it fell back on and why.
ALTER TABLE grade ADD COLUMN served_by text;
ALTER TABLE grade ADD COLUMN fallback_reason text;
ALTER TABLE grade ADD CONSTRAINT grade_served_by_check CHECK (served_by <> '');
ALTER TABLE grade ADD CONSTRAINT grade_fallback_reason_check CHECK (fallback_reason IS NULL OR served_by IS NOT NULL);
