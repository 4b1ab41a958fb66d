import * as z from 'zod';
import type { JsonSchema, Tool, ToolResult, ToolRunContext } from '../core/tool.ts';

export interface ToolDefinition<S extends z.ZodType> {
  name: string;
  description: string;
  arguments: S;
  readOnly: boolean;
  repeatable?: boolean;
  describe(input: z.output<S>): { action: string; parameter: string } | null;
  run(input: z.output<S>, context: ToolRunContext): Promise<ToolResult>;
}

/** A tool whose arguments are checked before it runs; what is wrong with them is told to the model. */
export function defineTool<S extends z.ZodType>(definition: ToolDefinition<S>): Tool {
  const { name, description, readOnly, repeatable = readOnly } = definition;
  return {
    name,
    description,
    readOnly,
    repeatable,
    inputSchema: toJsonSchema(definition.arguments),
    describe(input) {
      const parsed = definition.arguments.safeParse(input);
      return parsed.success ? definition.describe(parsed.data) : null;
    },
    async run(input, context) {
      const parsed = definition.arguments.safeParse(input);
      if (parsed.success) return definition.run(parsed.data, context);
      return failure(`These are not the arguments of ${name}:\n${z.prettifyError(parsed.error)}`);
    },
  };
}

export function failure(text: string, summary?: string): ToolResult {
  return { text, isError: true, ...(summary === undefined ? {} : { summary }) };
}

/**
 * Without the parts that cost tokens in every request and help nobody: the dialect, the bounds of a safe integer, "not
 * empty", and lengths, which whoever passes one is told.
 */
function toJsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    override({ jsonSchema }) {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      delete jsonSchema.maxLength;
      delete jsonSchema.maxItems;
      if (jsonSchema.minLength === 1) delete jsonSchema.minLength;
      if (jsonSchema.minItems === 1) delete jsonSchema.minItems;
    },
  });
  return rest;
}
