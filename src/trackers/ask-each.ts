import { VendorError } from '../core/vendor-error.ts';

/**
 * What several accounts answer, all asked at once, in their order. One that cannot answer now is left out where another can;
 * where none can, the first one's `VendorError` is thrown.
 */
export async function askEach<Account, Answer>(
  accounts: readonly Account[],
  ask: (account: Account) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const refused: unknown[] = [];
  for (const settled of await Promise.allSettled(accounts.map(ask))) {
    if (settled.status === 'fulfilled') answers.push(settled.value);
    else if (settled.reason instanceof VendorError) refused.push(settled.reason);
    else throw settled.reason;
  }
  if (answers.length === 0 && refused.length > 0) throw refused[0];
  return answers;
}

/** The first of each list, then the second of each: what each account thinks best comes before what it thinks less of. */
export function inTurn<Item>(lists: readonly (readonly Item[])[]): Item[] {
  const rounds = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) => lists.flatMap((list) => list.slice(round, round + 1))).flat();
}
