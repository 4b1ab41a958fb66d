/** The head and tail of a long text, cut at line ends where one is near; `note` says what stands between them. */
export function cutMiddle(text: string, limit: number, note: (leftOut: number) => string): string {
  if (text.length <= limit) return text;
  const near = Math.floor(limit / 10);
  const half = Math.floor(limit / 2);
  const lineEnd = text.lastIndexOf('\n', half);
  const headEnd = lineEnd > half - near ? lineEnd : half;
  const lineStart = text.indexOf('\n', text.length - half) + 1;
  const tailStart = lineStart > 0 && lineStart < text.length - half + near ? lineStart : text.length - half;
  return `${text.slice(0, headEnd)}\n${note(tailStart - headEnd)}\n${text.slice(tailStart)}`.toWellFormed();
}

/** 12345 as "12,345". */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
