import { attribute, type Outside, type PanelType, panelTypes } from './document.ts';
import { cardPieces, writeInline } from './inline-to-markdown.ts';
import { leftoverText } from './leftover-text.ts';
import { codeSpan, escapeText } from './markdown-text.ts';
import { panelLabels } from './panels.ts';

const mostSpan = 20;
const mostNested = 12;

/**
 * A table with a row for each of its rows. A cell over several columns or rows is followed by empty ones; what stands in lines of
 * its own within a cell is parted by `<br>`. Without a row of headings the head is empty.
 */
export function writeTable(table: Outside, depth: number): string {
  const covered: number[] = []; // rows that a cell above still reaches down, by column
  const rows = table.content.map((row) => {
    const isHead = row === table.content[0] && isAllHeadings(row);
    const cells: string[] = [];
    const skipCovered = () => {
      while ((covered[cells.length] ?? 0) > 0) {
        covered[cells.length] = (covered[cells.length] ?? 0) - 1;
        cells.push('');
      }
    };
    for (const cell of row.content) {
      skipCovered();
      const below = spanOf(cell, 'rowspan') - 1;
      const written = writeCell(cell, cell.type === 'tableHeader' && !isHead, depth);
      for (let column = 0; column < spanOf(cell, 'colspan'); column++) {
        covered[cells.length] = below;
        cells.push(column === 0 ? written : '');
      }
    }
    skipCovered();
    return { cells, isHead };
  });
  const width = rows.reduce((most, { cells }) => Math.max(most, cells.length), 0);
  if (width === 0) return '';
  const pad = (cells: string[]) => [...cells, ...Array<string>(width - cells.length).fill('')];
  const head = rows[0]?.isHead ? rows[0].cells : [];
  const body = rows[0]?.isHead ? rows.slice(1) : rows;
  return [
    line(pad(head)),
    line(Array<string>(width).fill('---')),
    ...body.map(({ cells }) => line(cells.length === 0 ? [''] : cells)),
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function isAllHeadings(row: Outside): boolean {
  return row.content.length > 0 && row.content.every(({ type }) => type === 'tableHeader');
}

function spanOf(cell: Outside, name: 'colspan' | 'rowspan'): number {
  return Math.min(mostSpan, Math.max(1, Math.trunc(Number(attribute(cell, name))) || 1));
}

function writeCell(cell: Outside, bold: boolean, depth: number): string {
  return linesOf(cell.content, bold, depth)
    .filter((part) => part !== '')
    .join('<br>');
}

function linesOf(nodes: readonly Outside[], bold: boolean, depth: number): string[] {
  return nodes.flatMap((node) => blockLines(node, bold, depth + 1));
}

function blockLines(node: Outside, bold: boolean, depth: number): string[] {
  if (depth > mostNested + 12) return [plain(leftoverText(node))];
  const within = () => linesOf(node.content, bold, depth);
  switch (node.type) {
    case 'paragraph':
    case 'caption':
      return [writeInline(node.content, 'cell', bold)];
    case 'heading':
      return [writeInline(node.content, 'cell', true)];
    case 'codeBlock':
      return codeLines(node);
    case 'bulletList':
    case 'orderedList':
      return node.content.flatMap((item, index) => {
        const mark = node.type === 'orderedList' ? `${index + Number(attribute(node, 'order') || 1)}.` : '-';
        return marked(`${mark} `, linesOf(item.content, bold, depth));
      });
    case 'taskList':
      return node.content.flatMap((item) => {
        if (item.type === 'taskList') return blockLines(item, bold, depth);
        return marked(attribute(item, 'state') === 'DONE' ? '☑ ' : '☐ ', [writeInline(item.content, 'cell', bold)]);
      });
    case 'panel': {
      const type = attribute(node, 'panelType') as PanelType;
      return marked(`**${panelLabels[panelTypes.includes(type) ? type : 'custom']}:** `, within());
    }
    case 'expand':
    case 'nestedExpand': {
      const title = plain(attribute(node, 'title'));
      return title === '' ? within() : [`**${title}**`, ...within()];
    }
    case 'rule':
      return [];
    case 'blockCard':
    case 'embedCard':
      return cardPieces(node).map(({ kind, text }) => (kind === 'raw' ? plain(text) : text.replaceAll('|', '\\|')));
    case 'mediaSingle':
    case 'mediaGroup':
    case 'blockquote':
    case 'bodiedExtension':
      return within();
    case 'decisionList':
      return node.content.map((item) => `**Decision:** ${writeInline(item.content, 'cell', bold)}`);
    case 'extension':
      return [plain(leftoverText(node))];
    default:
      return node.content.some(({ type }) => type === 'paragraph') ? within() : [writeInline([node], 'cell', bold)];
  }
}

function marked(mark: string, lines: readonly string[]): string[] {
  const [first = '', ...rest] = lines;
  return [`${mark}${first}`, ...rest];
}

function codeLines(node: Outside): string[] {
  const code = node.content.map((part) => part.text).join('');
  return code.split(/\r\n?|\n/).map((text) => {
    if (text === '') return '';
    return text.includes('\\|') ? `<code>${plain(text)}</code>` : codeSpan(text).replaceAll('|', '\\|');
  });
}

function plain(text: string): string {
  return escapeText(text).replaceAll('|', '\\|');
}
