import type { Marking, MarkingBy } from '../../../core/marking.ts';
import type { TicketHint } from '../../../core/ticket.ts';
import { personOf } from '../people.ts';
import { type Desks, locate } from '../writing/place.ts';

/** `at`: to the second, which is all that GitHub says; a delivery and the list of events have no number in common. */
export function markingOf(how: 'got' | 'lost', name: string, at: string): Marking {
  return { key: `${how}/${name}/${at}`, got: [], lost: [], fields: {}, [how]: [name] };
}

/** From the events, which say who it was. */
export async function readMarkings(
  { api, repositories, own }: Desks,
  hint: TicketHint,
  since: string,
  signal: AbortSignal,
): Promise<MarkingBy[]> {
  const place = await locate(repositories, hint, signal);
  const account = await own(signal);
  const events = await api.events(place, signal);
  return events.flatMap(({ event, created_at: at, label, actor, performed_via_github_app }): MarkingBy[] => {
    const how = event === 'labeled' ? 'got' : event === 'unlabeled' ? 'lost' : null;
    if (how === null || !label || Date.parse(at) < Date.parse(since)) return [];
    const by = personOf(
      actor as Parameters<typeof personOf>[0],
      account,
      { performed_via_github_app },
      place.home.writers,
    );
    return [{ ...markingOf(how, label.name, at), at, by }];
  });
}
