import { randomUUID } from 'node:crypto';
import type { Capture } from '../../src/core/capture.ts';
import { defaultFieldNames } from '../../src/core/ticket-facts.ts';
import { builtInForm, readForm } from '../../src/core/ticket-form.ts';
import type { CaptureDeps, SortDeps } from '../../src/flow.ts';

/** What a person brings, each under an id of its own. */
export function aCapture(changes: Partial<Capture> = {}): Capture {
  return {
    id: randomUUID(),
    title: 'API returns inconsistent date formats',
    notes: 'Some are ISO 8601, some are not.',
    kind: 'bug',
    places: [],
    error: null,
    steps: [],
    expected: '',
    criteria: [],
    labels: [],
    priority: null,
    also: [],
    team: null,
    project: null,
    repository: null,
    related: [],
    assign: null,
    addTo: null,
    anyway: false,
    dryRun: false,
    checkout: null,
    environment: {},
    client: 'shell',
    ...changes,
  };
}

/** A further concern of a capture. */
export function aConcern(title: string): Capture['also'][number] {
  const { notes, kind, places, error, steps, expected, criteria, labels, priority } = aCapture({ notes: '' });
  return { title, notes, kind, places, error, steps, expected, criteria, labels, priority };
}

/** On the board, with the form that comes with Shipmate. */
export function capturing(deps: SortDeps, changes: Partial<CaptureDeps> = {}): CaptureDeps {
  return {
    ...deps,
    tracker: 'board',
    assign: false,
    form: async () => ({ form: readForm(builtInForm), notes: [] }),
    fields: defaultFieldNames,
    routes: [],
    secrets: [],
    until: new AbortController().signal,
    ...changes,
  };
}
