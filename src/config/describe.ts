import { z } from 'zod';
import type { Documentation } from './key.ts';
import { fileSchema } from './schema.ts';

export interface KeyDescription extends Documentation {
  /** `repositories.<name>.path` for what stands under a name of your own; `routes[].team` in the elements of a list. */
  key: string;
  /** As it would be written; `required` where there is none. */
  default: string;
}

interface Node extends Partial<Documentation> {
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  required?: string[];
  default?: unknown;
}

/** Every key of `shipmate.yaml`, in its order: what the README's table says is checked against this. */
export function describeConfig(): KeyDescription[] {
  return list(schemaTree(), '', false);
}

/** What is accepted at a path; for an element of a list, what is accepted for the list. */
export function acceptedAt(path: readonly PropertyKey[]): string {
  let node: Node | undefined = schemaTree();
  let accepts: string | undefined;
  for (const part of path) {
    const below: Node | undefined = node?.properties?.[String(part)] ?? valuesOf(node);
    node = below ?? node?.items;
    accepts = below ? below.accepts : (node?.accepts ?? accepts);
  }
  return accepts ?? 'a map of keys';
}

/** Keys that are known at a path, for finding what was meant. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  let node: Node | undefined = schemaTree();
  for (const part of path) node = node?.properties?.[String(part)] ?? valuesOf(node) ?? node?.items;
  return Object.keys(node?.properties ?? {});
}

function schemaTree(): Node {
  return z.toJSONSchema(fileSchema, { io: 'input', unrepresentable: 'any' }) as Node;
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
