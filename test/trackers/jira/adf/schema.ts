import { createRequire } from 'node:module';
import { Ajv } from 'ajv';

/** Atlassian's own description, of which only the data is used. It is draft 4 by name; nothing in it differs from draft 7. */
const { $schema: _, ...schema } = createRequire(import.meta.url)(
  '@atlaskit/adf-schema/dist/json-schema/v1/full.json',
) as Record<string, unknown>;

const validate = new Ajv({ strict: false, allErrors: false }).compile(schema);

/** What Atlassian's schema has against a document; '' where it is valid. */
export function faultsOf(document: unknown): string {
  if (validate(document)) return '';
  const deepest = (validate.errors ?? []).toSorted((a, b) => b.instancePath.length - a.instancePath.length)[0];
  return `${deepest?.instancePath}: ${deepest?.message}`;
}
