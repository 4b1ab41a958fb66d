/**
 * What somebody calls a ticket, as its tracker knows it: "ENG-12", "acme/app#12". Of an address, what stands for the ticket
 * in it; anything else as it is.
 */
export function ticketNameIn(written: string): string {
  const text = written.trim().replace(/^<|>$/g, '');
  const path = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]+(?=\/))?([^?#]*)/i.exec(text)?.[1];
  if (path === undefined) return text;
  const numbered = /([\w.-]+\/[\w.-]+)\/(?:issues|pull)\/(\d+)(?:\/|$)/.exec(path);
  if (numbered) return `${numbered[1]}#${numbered[2]}`;
  return (
    /(?:^|\/)(?:issue|browse)\/([a-z]\w*-\d+)(?:\/|$)/i.exec(path)?.[1] ?? /^[a-z]\w*-\d+$/i.exec(path)?.[0] ?? text
  );
}
