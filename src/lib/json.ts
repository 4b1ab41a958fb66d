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
