import { readWord } from './approval.ts';
import type { Person, Ticket, TicketPart } from './ticket.ts';

/** One act of somebody, by which labels or fields of a ticket are others than before. All by the names that people see. */
export interface Marking {
  /** Identifies the act within its tracker, whoever tells of it. */
  key: string;
  /** Labels that the ticket has since. */
  got: string[];
  /** Labels that it has no more. */
  lost: string[];
  /** The new values of fields, as text; '': none. */
  fields: Record<string, string>;
}

/** The same as a history tells it: who did it, and when by the tracker's clock (ISO 8601). */
export interface MarkingBy extends Marking {
  by: Person;
  at: string;
}

/** By which labels, and which field, people approve and reject what is proposed; what is not set means nothing. */
export interface ApprovalMarks {
  label?: string | null;
  rejectLabel?: string | null;
  /** Its value is read as a word is: "Approved", "no". */
  field?: string | null;
}

/** What somebody says of a proposal by it; null: nothing. Of both at once the no holds. */
export function readMarking({ got, fields }: Marking, marks: ApprovalMarks): 'approve' | 'reject' | null {
  const values = Object.entries(fields).flatMap(([name, value]) => (isSame(name, marks.field) ? [value] : []));
  const said = [
    ...got.flatMap((label) => (isSame(label, marks.rejectLabel) ? ['reject'] : [])),
    ...got.flatMap((label) => (isSame(label, marks.label) ? ['approve'] : [])),
    ...values.map((value) => readWord(value, '').says),
  ];
  return (['reject', 'approve'] as const).find((each) => said.includes(each)) ?? null;
}

/** What was changed beside such marks: they say something of a proposal, and nothing of the work. */
export function unmarkedParts(
  { changed = [], marking }: { changed?: TicketPart[]; marking?: Marking },
  marks: ApprovalMarks,
): TicketPart[] {
  if (!marking) return changed;
  const labels = [...marking.got, ...marking.lost];
  const names = Object.keys(marking.fields);
  return changed.filter((part) => {
    if (part === 'labels') return labels.length === 0 || labels.some((label) => !isMark(label, marks));
    return part !== 'fields' || names.length === 0 || names.some((name) => !isSame(name, marks.field));
  });
}

/** As its model knows it. */
export function withoutMarks<T extends Pick<Ticket, 'labels' | 'fields'>>(ticket: T, marks: ApprovalMarks): T {
  const fields = Object.entries(ticket.fields).filter(([name]) => !isSame(name, marks.field));
  const labels = ticket.labels.filter((label) => !isMark(label, marks));
  return { ...ticket, labels, fields: Object.fromEntries(fields) };
}

export function hasMarks({ label, rejectLabel, field }: ApprovalMarks): boolean {
  return [label, rejectLabel, field].some((each) => each !== null && each !== undefined);
}

function isMark(label: string, { label: yes, rejectLabel: no }: ApprovalMarks): boolean {
  return isSame(label, yes) || isSame(label, no);
}

function isSame(name: string, mark: string | null | undefined): boolean {
  return mark !== null && mark !== undefined && name.trim().toLowerCase() === mark.trim().toLowerCase();
}
