import type { z } from 'zod';
import type { AlertSourceDefinition, AroundAlerts } from '../alerts/alert-source.ts';
import { alertSources } from '../alerts/index.ts';
import type { Variable } from '../lib/variable.ts';

type Source = (typeof alertSources)[number];
export type AlertKind = Source['kind'];

/** By kind; null: off. */
export type AlertSettings = { [Each in Source as Each['kind']]: ReturnType<Each['read']>['settings'] };

type Sections = { [Each in Source as Each['kind']]: Each['section'] };
type Written = { [Kind in AlertKind]: z.output<Sections[Kind]> };

/** Their blocks of shipmate.yaml. */
export const alertSections = Object.fromEntries(alertSources.map(({ kind, section }) => [kind, section])) as Sections;

export const alertVariables: Variable[] = alertSources.flatMap(({ environment }) => environment);

/** The rest of the file. */
export function withoutAlerts<File extends Written>(file: File): Omit<File, AlertKind> {
  const kinds: string[] = alertSources.map(({ kind }) => kind);
  return Object.fromEntries(Object.entries(file).filter(([name]) => !kinds.includes(name))) as Omit<File, AlertKind>;
}

export function readAlerts(
  sections: Written,
  values: Readonly<Record<string, string | null>>,
  around: AroundAlerts,
): { alerts: AlertSettings; problems: string[] } {
  const read = alertSources.map((definition: AlertSourceDefinition) => {
    const file = sections[definition.kind as AlertKind];
    return { kind: definition.kind, ...definition.read(file, values, around) };
  });
  return {
    alerts: Object.fromEntries(read.map(({ kind, settings }) => [kind, settings])) as AlertSettings,
    problems: read.flatMap(({ problems }) => problems),
  };
}
