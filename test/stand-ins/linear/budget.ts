import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { largestPage } from './paging.ts';
import { linearSchema } from './schema.ts';

export const mostComplex = 10_000;
const hourMs = 3_600_000;
const usualPage = 50;

/** What a document costs: a value a tenth, an object one, a connection as often as it has entries on a page. */
export function complexityOf(document: DocumentNode, variables: Record<string, unknown>): number {
  const schema = linearSchema();
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);

  function costOf(set: SelectionSetNode, type: GraphQLNamedType | undefined): number {
    const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
    return set.selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        return sum + (fragment ? costOf(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value)) : 0);
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const on = selection.typeCondition?.name.value;
        return sum + costOf(selection.selectionSet, on === undefined ? type : schema.getType(on));
      }
      const field = fields[selection.name.value];
      const inner = field && getNamedType(field.type);
      if (!inner || !isCompositeType(inner) || !selection.selectionSet) return sum + 0.1;
      const cost = costOf(selection.selectionSet, inner);
      if (!inner.name.endsWith('Connection')) return sum + 1 + cost;
      const sizes = selection.arguments?.flatMap(({ name, value }) => {
        if (name.value !== 'first' && name.value !== 'last') return [];
        if (value.kind === Kind.INT) return [Number(value.value)];
        const given = value.kind === Kind.VARIABLE ? variables[value.name.value] : undefined;
        return typeof given === 'number' ? [given] : [];
      });
      return sum + Math.min(sizes?.[0] ?? usualPage, largestPage) * cost;
    }, 0);
  }

  const roots = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: undefined };
  const cost = document.definitions.reduce(
    (sum, definition) =>
      definition.kind === Kind.OPERATION_DEFINITION
        ? sum + costOf(definition.selectionSet, roots[definition.operation] ?? undefined)
        : sum,
    0,
  );
  return Math.round(cost * 10) / 10;
}

export interface Limits {
  requestsPerHour: number;
  complexityPerHour: number;
}

/** What a member has used up this hour. */
export interface Budget {
  /** Counts a request; false where there is no room for it. */
  take(complexity: number): boolean;
  /** Nothing is left, for so long. */
  exhaust(ms: number, shape: 'code' | 'type'): void;
  /** In which way Linear says that nothing is left; null while something is. */
  refusing(): 'code' | 'type' | null;
  headers(complexity: number | null): Record<string, string>;
}

export function createBudget(now: () => number, limits: Limits): Budget {
  let requests = 0;
  let complexity = 0;
  let resetAt = 0;
  let exhausted: { until: number; shape: 'code' | 'type' } | null = null;

  function renew(): void {
    if (now() >= resetAt) [requests, complexity, resetAt] = [0, 0, now() + hourMs];
    if (exhausted && now() >= exhausted.until) exhausted = null;
  }

  return {
    take(cost) {
      renew();
      if (exhausted || requests + 1 > limits.requestsPerHour || complexity + cost > limits.complexityPerHour)
        return false;
      requests += 1;
      complexity += cost;
      return true;
    },
    exhaust(ms, shape) {
      exhausted = { until: now() + ms, shape };
    },
    refusing() {
      renew();
      return exhausted?.shape ?? null;
    },
    headers(cost) {
      renew();
      const reset = String(exhausted?.until ?? resetAt);
      const left = exhausted ? 0 : limits.requestsPerHour - requests;
      return {
        'x-ratelimit-requests-limit': String(limits.requestsPerHour),
        'x-ratelimit-requests-remaining': String(left),
        'x-ratelimit-requests-reset': reset,
        'x-ratelimit-complexity-limit': String(limits.complexityPerHour),
        'x-ratelimit-complexity-remaining': String(Math.max(0, limits.complexityPerHour - complexity)),
        'x-ratelimit-complexity-reset': String(resetAt),
        ...(cost !== null && { 'x-complexity': String(cost) }),
        ...(exhausted?.shape === 'type' && {
          'retry-after': String(Math.ceil((exhausted.until - now()) / 1000)),
        }),
      };
    },
  };
}
