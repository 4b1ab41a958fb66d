import { z } from 'zod';
import type { Documentation } from '../lib/documented-key.ts';
import type { TrackerDefinitions } from '../trackers/definition.ts';
import { trackers } from '../trackers/index.ts';
import { type FileSchema, fileSchemaOf } from './schema.ts';

export interface KeyDescription extends Documentation {
  /** `repositories.<name>.path` for what stands under a name of your own; `routes[].team` in the elements of a list. */
  key: string;
  /** As it would be written; `required` where there is none. */
  default: string;
}

/** What is known of a key, and of those below it. */
export interface Node extends Partial<Documentation> {
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  required?: string[];
  default?: unknown;
}

/** Every key of `shipmate.yaml`, in its order: what the README's table says is checked against this. */
export function describeConfig(of: TrackerDefinitions = trackers): KeyDescription[] {
  return list(treeOf(fileSchemaOf(of)), '', false);
}

/** What is accepted at a path; for an element of a list, what is accepted for the list. */
export function acceptedAt(tree: Node, path: readonly PropertyKey[]): string {
  let node: Node | undefined = tree;
  let accepts: string | undefined;
  for (const part of path) {
    const below: Node | undefined = node?.properties?.[String(part)] ?? valuesOf(node);
    node = below ?? node?.items;
    accepts = below ? below.accepts : (node?.accepts ?? accepts);
  }
  return accepts ?? 'a map of keys';
}

/** Keys that are known at a path, for finding what was meant. */
export function keysAt(tree: Node, path: readonly PropertyKey[]): string[] {
  let node: Node | undefined = tree;
  for (const part of path) node = node?.properties?.[String(part)] ?? valuesOf(node) ?? node?.items;
  return Object.keys(node?.properties ?? {});
}

export function treeOf(schema: FileSchema): Node {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node;
}

function valuesOf(node: Node | undefined): Node | undefined {
  return typeof node?.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

function list(node: Node, key: string, required: boolean): KeyDescription[] {
  const values = valuesOf(node);
  const below = [
    ...Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
      list(child, key === '' ? name : `${key}.${name}`, node.required?.includes(name) ?? false),
    ),
    ...(values ? list(values, `${key}.<name>`, false) : []),
    ...(node.items ? list(node.items, `${key}[]`, false) : []),
  ];
  if (node.accepts === undefined || node.meaning === undefined) return below;
  const shown = required ? 'required' : (node.shownDefault ?? JSON.stringify(node.default ?? null));
  const { accepts, meaning } = node;
  return [{ key, accepts, meaning, default: shown.replace(/^"(.+)"$/, '$1') }, ...below];
}
