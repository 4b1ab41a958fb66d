/** A text as JQL has it. What could end it, or that Jira takes in no text, is not in it. */
export function quote(text: string): string {
  const clean = text.toWellFormed().replace(/\p{Cc}+/gu, ' ');
  return `"${clean.replace(/[\\"]/g, '\\$&')}"`;
}

export function allOf(parts: readonly string[]): string {
  return parts.join(' AND ');
}

/** In brackets, where there are several. */
export function anyOf(parts: readonly string[]): string {
  return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(' OR ')})`;
}
