/** HTML that was made here. Nothing else can be put into a page without being escaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | null | false | readonly Part[];

/** A template of HTML: what is not markup already is text of people, and nothing in it is left to mean anything. */
export function html(fixed: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(
    fixed.map((text, index) => text + (index < parts.length ? put(parts[index] ?? null) : '')).join(''),
  );
}

function put(part: Part): string {
  if (part === null || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'string') return escapeText(part);
  return typeof part === 'number' ? String(part) : part.map(put).join('');
}

const references: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => references[character] ?? '');
}

/** A link where the address is one of the web; else only what it says. */
export function linkTo(address: string, text: Part): Markup {
  const url = URL.parse(address);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return html`${text}`;
  return html`<a href="${url.href}" rel="noopener noreferrer nofollow">${text}</a>`;
}
