/** Hidden at the end of what we write, by which it is found again: GitHub has no ids of ours. */
function markerOf(id: string): string {
  return `<!-- shipmate:${id.replace(/[^\w.:/-]/g, '_')} -->`;
}

/** Elsewhere than at the end it is quoted. */
export function isMarked(body: string): boolean {
  return /<!-- shipmate:[\w.:/-]+ -->$/.test(body.trimEnd());
}

export function isMarkedAs(body: string, id: string): boolean {
  return body.trimEnd().endsWith(markerOf(id));
}

/** What a text may have, its ending and all. */
const longest = 65_536;
const cut = '\n\n… (shortened)';

export const withMarker = (body: string, id: string): string => withEnding(body, `\n\n${markerOf(id)}`);

/** The text, as far as there is room for it, and what must stand at its end. */
export function withEnding(body: string, ending: string): string {
  const room = longest - ending.length;
  if (body.length <= room) return body + ending;
  const short = body.slice(0, room - cut.length - 10).replace(/[\ud800-\udbff]$/, '');
  // A fence that was cut open would show the ending, and all else, as code.
  const isOpen = (short.match(/^ {0,3}```/gm)?.length ?? 0) % 2 === 1;
  return `${short}${isOpen ? '\n```' : ''}${cut}${ending}`;
}
