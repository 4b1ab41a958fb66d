export interface FormFile {
  filename: string;
  mimeType: string;
  content: Uint8Array;
}

/** The files of a multipart form. */
export function readForm(raw: Buffer, contentType: string): FormFile[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) return [];
  const mark = Buffer.from(`--${boundary}`);
  const files: FormFile[] = [];
  for (let from = raw.indexOf(mark); from !== -1; ) {
    const next = raw.indexOf(mark, from + mark.length);
    if (next === -1) break;
    const part = raw.subarray(from + mark.length + 2, next - 2);
    const split = part.indexOf('\r\n\r\n');
    const head = part.subarray(0, split).toString('utf8');
    const filename = /filename="([^"]*)"/.exec(head)?.[1];
    const mimeType = /content-type: *([^\r\n]+)/i.exec(head)?.[1] ?? 'application/octet-stream';
    if (filename !== undefined) files.push({ filename, mimeType, content: new Uint8Array(part.subarray(split + 4)) });
    from = next;
  }
  return files;
}
