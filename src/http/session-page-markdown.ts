import { lexer, type MarkedToken, type Token, type Tokens } from 'marked';
import { dropHidden, shorten } from '../core/outgoing-text.ts';
import { html, linkTo, type Markup } from './session-page-markup.ts';

/** Of one text. Some texts of this length are read in a second, if they were written for that: see `marks`. */
const mostCharacters = 6_000;
const mostMarks = 500;
const mostNested = 12;

/**
 * Markdown of people and models as HTML of ours. It is only read by the library: each kind of token is written here, and
 * HTML, images and whatever else is not known stay the text that they are.
 */
export function renderMarkdown(markdown: string): Markup {
  const text = shorten(dropHidden(markdown).trim(), mostCharacters);
  const marks = text.match(/[*_~`[\]!<>]/g)?.length ?? 0;
  if (marks > mostMarks) return html`<pre>${text}</pre>`;
  try {
    return html`${blocks(lexer(text, { gfm: true, breaks: true }), 0)}`;
  } catch {
    return html`<pre>${text}</pre>`; // nested more deeply than can be read
  }
}

function blocks(tokens: readonly Token[], depth: number): Markup[] {
  return tokens.map((token) => render(token as MarkedToken, depth));
}

function render(token: MarkedToken, depth: number): Markup {
  if (depth > mostNested) return html`${token.raw}`;
  const within = (tokens: readonly Token[]) => blocks(tokens, depth + 1);
  switch (token.type) {
    case 'paragraph':
      return html`<p>${within(token.tokens)}</p>`;
    case 'heading':
      return html`<p><strong>${within(token.tokens)}</strong></p>`;
    case 'blockquote':
      return html`<blockquote>${within(token.tokens)}</blockquote>`;
    case 'list':
      return renderList(token, depth);
    case 'list_item':
      return html`<li>${within(token.tokens)}</li>`;
    case 'code':
      return html`<pre><code>${token.text}</code></pre>`;
    case 'table':
      return renderTable(token, depth);
    case 'hr':
      return html`<hr>`;
    case 'space':
    case 'def':
      return html``;
    case 'checkbox':
      return html`${token.checked ? '☑ ' : '☐ '}`;
    case 'text':
      return token.tokens ? html`${within(token.tokens)}` : html`${plain(token.text)}`;
    case 'escape':
      return html`${token.text}`;
    case 'strong':
      return html`<strong>${within(token.tokens)}</strong>`;
    case 'em':
      return html`<em>${within(token.tokens)}</em>`;
    case 'del':
      return html`<del>${within(token.tokens)}</del>`;
    case 'codespan':
      return html`<code>${token.text}</code>`;
    case 'br':
      return html`<br>`;
    case 'link':
      return linkTo(token.href, within(token.tokens));
    case 'image':
      return linkTo(token.href, plain(token.text || 'image'));
    default:
      return html`${token.raw}`;
  }
}

function renderList({ ordered, start, items }: Tokens.List, depth: number): Markup {
  const rows = blocks(items, depth + 1);
  return ordered ? html`<ol start="${Number(start) || 1}">${rows}</ol>` : html`<ul>${rows}</ul>`;
}

function renderTable({ header, rows }: Tokens.Table, depth: number): Markup {
  const cells = (row: Tokens.TableCell[], cell: (content: Markup[]) => Markup) =>
    html`<tr>${row.map(({ tokens }) => cell(blocks(tokens, depth + 1)))}</tr>`;
  return html`<div class="wide"><table>${cells(header, (content) => html`<th>${content}</th>`)}${rows.map((row) =>
    cells(row, (content) => html`<td>${content}</td>`),
  )}</table></div>`;
}

const references: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };

/**
 * What stands for one of HTML's own characters is that character, and then escaped like all others. The library has read
 * what else was written by its number: what is not seen goes again.
 */
function plain(text: string): string {
  return dropHidden(text.replace(/&(?:lt|gt|quot|#39|amp);/g, (reference) => references[reference] ?? reference));
}
