/** Whether a text names one of these accounts. What is quoted, or code, was not said to anybody. */
export function mentionsAny(text: string | null | undefined, names: readonly string[]): boolean {
  if (!text?.includes('@')) return false;
  const spoken = withoutCode(text);
  return names.some((name) => {
    const literal = name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    return new RegExp(`(?<![\\w@/.\`-])@${literal}(?![\\w-]|/\\w|\\.\\w)`, 'i').test(spoken);
  });
}

function withoutCode(text: string): string {
  const lines: string[] = [];
  let fence: string | null = null;
  for (const line of text.replace(/<!--[\s\S]*?(-->|$)/g, '').split(/\r?\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence) && line.trim() === mark) fence = null;
    } else if (mark !== undefined) fence = mark;
    else if (!/^ {0,3}>|^ {4}|^\t/.test(line)) lines.push(line);
  }
  return lines.join('\n').replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, ' ');
}
