-- What the factors of a grade came to, as numbers instead of a document: a third of the room, and written in a fraction of
-- the time. Four numbers a factor (raw, score, weight, contribution), in the order of the model's factors, NaN where the
-- input was missing; after them, of a remote model's answer, model.base and model.output. `peers` are the narratives that
-- factors were ranked within, in the same order; empty where none was.

ALTER TABLE grade_model ADD COLUMN factor_keys jsonb NOT NULL
  GENERATED ALWAYS AS (jsonb_path_query_array(definition, '$.factors[*].key')) STORED;

CREATE FUNCTION factor_values_of(model integer, served_by text, fallback_reason text, factors jsonb) RETURNS double precision[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(coalesce((f.value ->> c.name)::double precision, 'NaN') ORDER BY k.n, c.n)
  FROM grade_model m
  JOIN grade_model s ON s.id = m.id AND fallback_reason IS NULL OR s.kind = m.kind AND s.version = served_by AND fallback_reason IS NOT NULL
  CROSS JOIN LATERAL (
    SELECT key, n FROM jsonb_array_elements_text(s.factor_keys) WITH ORDINALITY AS own (key, n)
    UNION ALL
    SELECT key, 1000 + n FROM (VALUES ('model.base', 1), ('model.output', 2)) AS rest (key, n)
    WHERE EXISTS (SELECT 1 FROM jsonb_array_elements(factors) f WHERE f ->> 'key' = 'model.output')
      OR rest.key = 'model.base' AND EXISTS (SELECT 1 FROM jsonb_array_elements(factors) f WHERE f ->> 'key' = 'model.base')
  ) k
  CROSS JOIN (VALUES ('raw', 1), ('score', 2), ('weight', 3), ('contribution', 4)) AS c (name, n)
  LEFT JOIN LATERAL (SELECT f AS value FROM jsonb_array_elements(factors) f WHERE f ->> 'key' = k.key) f ON true
  WHERE m.id = model
$$;

CREATE FUNCTION factor_peers_of(model integer, served_by text, fallback_reason text, factors jsonb) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN count(f.value ->> 'peers') > 0 THEN array_agg(f.value ->> 'peers' ORDER BY k.n) ELSE '{}' END
  FROM grade_model m
  JOIN grade_model s ON s.id = m.id AND fallback_reason IS NULL OR s.kind = m.kind AND s.version = served_by AND fallback_reason IS NOT NULL
  CROSS JOIN LATERAL jsonb_array_elements_text(s.factor_keys) WITH ORDINALITY AS k (key, n)
  LEFT JOIN LATERAL (SELECT f AS value FROM jsonb_array_elements(factors) f WHERE f ->> 'key' = k.key) f ON true
  WHERE m.id = model
$$;

ALTER TABLE grade ADD COLUMN peers text[] NOT NULL DEFAULT '{}';
-- The type of a column changes under rows that never do: no trigger sees it.
ALTER TABLE grade
  ALTER COLUMN peers TYPE text[] USING factor_peers_of(model_id, served_by, fallback_reason, factors),
  ALTER COLUMN factors TYPE double precision[] USING factor_values_of(model_id, served_by, fallback_reason, factors);
ALTER TABLE grade ADD CONSTRAINT grade_factors_check CHECK (cardinality(factors) > 0 AND cardinality(factors) % 4 = 0);
DROP FUNCTION factor_values_of;
DROP FUNCTION factor_peers_of;

-- Almost no grade supersedes another.
DROP INDEX grade_supersedes_key;
CREATE UNIQUE INDEX grade_supersedes_key ON grade (supersedes) WHERE supersedes IS NOT NULL;

-- That a grade's series is of its token, by one look-up a row where there were two, through an index that has both.
CREATE UNIQUE INDEX series_of_token_key ON series (id, token_id);
ALTER TABLE grade
  DROP CONSTRAINT grade_series_id_fkey,
  DROP CONSTRAINT grade_token_id_fkey,
  ADD CONSTRAINT grade_series_fkey FOREIGN KEY (series_id, token_id) REFERENCES series (id, token_id) ON DELETE CASCADE;

-- That a grade's model exists: models are never removed, so it is enough to look when grades come, and once a statement.
ALTER TABLE grade DROP CONSTRAINT grade_model_id_fkey;
CREATE FUNCTION refuse_unknown_model() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM (SELECT DISTINCT model_id FROM added) a WHERE NOT EXISTS (SELECT 1 FROM grade_model m WHERE m.id = a.model_id)) THEN
    RAISE EXCEPTION 'a grade names a model that is not there' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER grade_model_known AFTER INSERT ON grade REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_model();
