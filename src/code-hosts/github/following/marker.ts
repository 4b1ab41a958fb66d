/** Hidden in what we write, by which it is found again: GitHub has no ids of ours. */
export function markerOf(id: string): string {
  return `<!-- shipmate:${id.replace(/[^\w.:/-]/g, '_')} -->`;
}

export function isMarked(body: string): boolean {
  return /<!-- shipmate:[\w.:/-]+ -->/.test(body);
}

/** What a comment may have, marker and all. */
const longest = 65_536;
const cut = '\n\n… (shortened)';

export function withMarker(body: string, id: string): string {
  const marker = `\n\n${markerOf(id)}`;
  const room = longest - marker.length;
  if (body.length <= room) return body + marker;
  const short = body.slice(0, room - cut.length - 10).replace(/[\ud800-\udbff]$/, '');
  // A fence that was cut open would show the marker, and all else, as code.
  const isOpen = (short.match(/^ {0,3}```/gm)?.length ?? 0) % 2 === 1;
  return `${short}${isOpen ? '\n```' : ''}${cut}${marker}`;
}
