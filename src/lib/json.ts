/** What `JSON.stringify` writes for NUL and for half of a surrogate pair. */
const unreadable = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/**
 * JSON that PostgreSQL can look into. NUL and halves of surrogate pairs, which its `json` stores and then refuses to read a
 * single key of, become U+FFFD. A model or a ticket can say them.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes('\\u') ? text.replaceAll(unreadable, '$1\ufffd') : text;
}

/** JSON whose keys are in order, so that what is equal is written alike. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : each,
  );
}
