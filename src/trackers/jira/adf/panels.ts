import type { MarkedToken, Token } from 'marked';
import type { PanelType } from './document.ts';

/** How a panel is told from other quotes in Markdown: `> **Note:** ...`. */
export const panelLabels: Record<PanelType, string> = {
  info: 'Info',
  note: 'Note',
  tip: 'Tip',
  warning: 'Warning',
  error: 'Error',
  success: 'Success',
  custom: 'Panel',
};

/** As GitHub writes them: `> [!NOTE]`. */
const alerts: Record<string, PanelType> = {
  NOTE: 'note',
  TIP: 'tip',
  IMPORTANT: 'info',
  WARNING: 'warning',
  CAUTION: 'error',
};

/** A quote that is a panel, with what stands in it beside its label; null for any other quote. */
export function panelOf(quoted: readonly Token[]): { panelType: PanelType; tokens: Token[] } | null {
  const tokens = quoted.filter(({ type }) => type !== 'space');
  const first = tokens[0] as MarkedToken | undefined;
  if (first?.type !== 'paragraph') return null;
  const label = labelOf(first.tokens);
  if (label === null) return null;
  const after = first.tokens.slice(label.used);
  const rest = after[0]?.type === 'br' ? after.slice(1) : after;
  const hasText = rest.some(({ type, raw }) => type !== 'br' && raw.trim() !== '');
  return {
    panelType: label.panelType,
    tokens: hasText ? [{ ...first, tokens: rest }, ...tokens.slice(1)] : tokens.slice(1),
  };
}

function labelOf(tokens: readonly Token[]): { panelType: PanelType; used: number } | null {
  const first = tokens[0] as MarkedToken | undefined;
  if (first?.type === 'strong') {
    const found = Object.entries(panelLabels).find(([, label]) => first.text === `${label}:`);
    return found ? { panelType: found[0] as PanelType, used: 1 } : null;
  }
  const line = tokens.findIndex(({ type }) => type === 'br');
  const head = tokens.slice(0, line === -1 ? tokens.length : line);
  const alert = /^\[!([A-Z]+)\]\s*$/.exec(head.map(({ raw }) => raw).join(''))?.[1] ?? '';
  const panelType = Object.hasOwn(alerts, alert) ? alerts[alert] : undefined;
  return panelType ? { panelType, used: head.length + 1 } : null;
}
