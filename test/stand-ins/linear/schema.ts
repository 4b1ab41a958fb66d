import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildSchema, type GraphQLSchema, parse, validate } from 'graphql';
import { deriveSchema } from './derive-schema.ts';

let built: GraphQLSchema | null = null;

/** The schema that the installed SDK was made for. It takes a second to derive: once for each process. */
export function linearSchema(): GraphQLSchema {
  built ??= buildSchema(deriveSchema(declarations()), { assumeValidSDL: true, noLocation: true });
  return built;
}

/** What is wrong with a document by the vendor's own schema; empty where nothing is. */
export function validateDocument(text: string): string[] {
  try {
    return validate(linearSchema(), parse(text)).map(({ message }) => message);
  } catch (error) {
    return [(error as Error).message];
  }
}

function declarations(): string {
  const entry = createRequire(import.meta.url).resolve('@linear/sdk');
  const folder = dirname(entry);
  const name = readdirSync(folder).find((file) => /^index-.*\.d\.mts$/.test(file));
  if (name === undefined) throw new Error(`There are no generated type declarations beside ${entry}.`);
  return readFileSync(join(folder, name), 'utf8');
}
