import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiKey, hasHash, hashOf, looksLikeApiKey, readApiKeyId } from '../../src/access/api-key.ts';

test('a key has a prefix, a public id, 192 random bits and a checksum', () => {
  const { id, text, hash } = createApiKey();
  assert.match(text, /^tg_[0-9a-f]{12}_[0-9a-f]{48}[0-9a-f]{8}$/);
  assert.ok(looksLikeApiKey(text));
  assert.equal(readApiKeyId(text), id);
  assert.ok(hasHash(text, hash));
  assert.equal(hash.length, 32);
});

test('a thousand keys are a thousand keys', () => {
  assert.equal(new Set(Array.from({ length: 1000 }, () => createApiKey().text)).size, 1000);
});

test('any single changed character is noticed by the checksum alone', () => {
  const { text } = createApiKey();
  for (let i = 3; i < text.length; i += 1) {
    if (text[i] === '_') continue;
    const changed = `${text.slice(0, i)}${text[i] === '0' ? '1' : '0'}${text.slice(i + 1)}`;
    assert.equal(readApiKeyId(changed), null, changed);
  }
});

test('what is no key has no id', () => {
  for (const text of [
    '',
    'tg_',
    'tg_abc',
    ` ${createApiKey().text}`,
    `${createApiKey().text}0`,
    'eyJhbGciOiJIUzI1NiJ9.e30.x',
  ])
    assert.equal(readApiKeyId(text), null, text);
});

test('a hash fits its own text only', () => {
  const one = createApiKey();
  const other = createApiKey();
  assert.equal(hasHash(one.text, other.hash), false);
  assert.notDeepEqual(hashOf(one.text), hashOf(other.text));
});
