/**
 * JSON whose decimals keep their digits when it is parsed: numbers with a fraction or an exponent, and integers beyond 2^53, become
 * strings of exactly the characters that were sent. Pure.
 */

/** Strings, which stay as they are, or numbers. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Longer integers may lose digits in a double. */
const safeDigits = 15;

/** The same JSON with every number that a double might not keep written as a string. */
export function quoteDecimals(json: string): string {
  return json.replace(tokens, keepDigits);
}

function keepDigits(token: string): string {
  if (token.startsWith('"')) return token;
  return token.length <= safeDigits && /^-?\d+$/.test(token) ? token : `"${token}"`;
}
