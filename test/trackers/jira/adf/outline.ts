/** What a document says, without how it is written: to compare documents by. */
interface Node {
  type: string;
  text?: string;
  attrs?: Record<string, unknown>;
  marks?: Node[];
  content?: Node[];
}

/** Any document: types of ours have no index. */
type Document = object;

export type Outline = string | Outline[];

export function outlineOf(document: Document): Outline[] {
  return ((document as Node).content ?? []).flatMap(outline);
}

function outline(node: Node): Outline[] {
  const { type, attrs = {} } = node;
  const nested = () => outlineOf(node);
  switch (type) {
    case 'paragraph': {
      const run = runOf(node);
      return run === '' ? [] : [run];
    }
    case 'heading': {
      const run = runOf(node);
      return run === '' ? [] : [[`h${attrs.level}`, run]];
    }
    case 'orderedList':
      return [[`ordered from ${attrs.order ?? 1}`, ...nested()]];
    case 'taskItem':
      return [[`task ${attrs.state}`, runOf(node)]];
    case 'taskList':
      return [['taskList', ...joined(nested())]];
    case 'panel':
      return [[`panel ${attrs.panelType}`, ...nested()]];
    case 'expand':
    case 'nestedExpand':
      return [[type, squeeze(String(attrs.title ?? '')), ...nested()]];
    case 'codeBlock':
      return [['code', String(attrs.language ?? ''), (node.content ?? []).map(({ text }) => text).join('')]];
    case 'table':
      return [['table', ...rowsOf(node)]];
    default:
      return [[type, ...nested()]];
  }
}

/** Lists of tasks that follow each other below one task are one. */
function joined(items: Outline[]): Outline[] {
  return items.reduce<Outline[]>((all, item) => {
    const last = all.at(-1);
    const isList = (one: Outline | undefined): one is Outline[] => Array.isArray(one) && one[0] === 'taskList';
    if (isList(last) && isList(item)) last.push(...item.slice(1));
    else all.push(item);
    return all;
  }, []);
}

/** A row of headings that says nothing is none. */
function rowsOf(node: Node): Outline[] {
  const rows = (node.content ?? []).map((row) => (row.content ?? []).map((cell) => [cell.type, ...outlineOf(cell)]));
  const isSilent = rows.length > 1 && rows[0]?.every((cell) => cell[0] === 'tableHeader' && cell.length === 1);
  return isSilent ? rows.slice(1) : rows;
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Text with its marks, of which space has none; breaks at the ends are none. */
function runOf(node: Node): string {
  let run = '';
  let before: string | null = null;
  for (const one of node.content ?? []) {
    if (one.type === 'hardBreak') run += '\n';
    else if (one.type === 'mention')
      run += `@{${one.attrs?.id} ${squeeze(String(one.attrs?.text).replace(/^@/, '')) || one.attrs?.id}}`;
    else if (one.type !== 'text') run += `{${one.type} ${JSON.stringify(one.attrs)}}`;
    else
      for (const part of (one.text ?? '').split(/(\s+)/)) {
        if (part === '') continue;
        if (part.trim() === '') {
          run += ' ';
          continue;
        }
        const marks = marksOf(one);
        run += marks === before ? part : `<${marks}>${part}`;
        before = marks;
      }
    if (one.type !== 'text') before = null;
  }
  return run
    .replace(/ *\n */g, '\n')
    .replace(/ +/g, ' ')
    .replace(/^[\s]+|[\s]+$/g, '');
}

function marksOf(node: Node): string {
  return (node.marks ?? [])
    .map(
      ({ type, attrs = {} }) =>
        `${type}${Object.entries(attrs)
          .filter(([, value]) => squeeze(String(value)) !== '')
          .map(([key, value]) => ` ${key}=${squeeze(String(value))}`)}`,
    )
    .sort()
    .join(',');
}

/** Every word in a document, wherever it stands, to see that none is lost. */
export function lettersOf(value: unknown): string {
  const node = value as Node;
  const own = [node.text, ...['text', 'title', 'shortName'].map((name) => node.attrs?.[name])].filter(
    (one) => typeof one === 'string',
  );
  const content = node.content ?? [];
  const isRun = content.some(({ type }) => type === 'text');
  return [...own, content.map(lettersOf).join(isRun ? '' : ' ')].filter((one) => one !== '').join(' ');
}
