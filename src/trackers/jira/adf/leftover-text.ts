import { attribute, type Outside } from './document.ts';

/** Parts of a node that is not known, at most. */
const most = 200_000;

/** What can be read of a node that has no form in Markdown: its own text and that of all within it, however deep. */
export function leftoverText(node: Outside): string {
  const parts: string[] = [];
  const open: Outside[] = [node];
  for (let seen = 0; open.length > 0 && seen < most; seen++) {
    const one = open.pop() as Outside;
    const own = ownText(one);
    if (own !== '') parts.push(own);
    for (const child of one.content.toReversed()) open.push(child);
    if (open.length > 0 && one.type !== 'text' && parts.length > 0 && !parts.at(-1)?.endsWith(' ')) parts.push(' ');
  }
  return parts.join('').trim();
}

function ownText(node: Outside): string {
  if (node.type === 'text') return node.text;
  const named = ['text', 'title', 'shortName', 'alt', 'url', 'timestamp', 'id']
    .map((name) => attribute(node, name))
    .find((value) => value !== '');
  if (named !== undefined) return named;
  const key = attribute(node, 'extensionKey') || attribute(node, 'resourceId');
  if (key !== '') return `(${node.type} ${key})`;
  return dataOf(node.attrs.data) || dataOf(node.attrs.datasource);
}

/** What a card brings instead of an address. */
function dataOf(data: unknown): string {
  if (data === undefined || data === null) return '';
  if (typeof data === 'string') return data;
  try {
    return JSON.stringify(data).slice(0, 2_000);
  } catch {
    return '';
  }
}
