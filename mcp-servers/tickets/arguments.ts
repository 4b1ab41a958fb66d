import * as z from 'zod';
import { forgive, type SchemaNode, withoutNull } from './forgive.ts';

/** What a tool takes: `offered` is what models read of it, in as few words as possible; `read` is more forgiving than that. */
export interface Arguments<Shape extends z.ZodRawShape> {
  offered: z.ZodObject<Record<string, z.ZodType>, z.core.$loose>;
  /** Throws an `Error` that says what to mend. */
  read(args: unknown): z.output<z.ZodObject<Shape>>;
}

export function createArguments<Shape extends z.ZodRawShape>(shape: Shape): Arguments<Shape> {
  const schema = z.object(shape);
  const whole = z.toJSONSchema(schema, { io: 'input' }) as SchemaNode;
  // The SDK refuses what does not fit before a tool sees it. So what it is given takes everything, and only looks like `shape`.
  const fields = Object.entries(whole.properties ?? {}).map(([name, node]) => {
    return [name, z.unknown().optional().meta(brief(node, true))] as const;
  });
  return {
    offered: z.looseObject(Object.fromEntries(fields)).meta({ ...requiredOf(whole), additionalProperties: false }),
    read(args) {
      const read = schema.safeParse(forgive(args ?? {}, whole));
      if (read.success) return read.data;
      throw new Error(`Mend these and call it again: ${read.error.issues.map(complaint).join('; ')}.`);
    },
  };
}

/** Limits and defaults are ours to see to. Whoever may leave something out need not be told of null. */
function brief(node: SchemaNode, describe: boolean): Record<string, unknown> {
  const { type, enum: values, properties, items } = withoutNull(node);
  const told = node.description;
  return {
    type,
    ...(describe && told !== undefined ? { description: told } : {}),
    ...(values ? { enum: values } : {}),
    // Lists of what has the same fields as the whole: what was said of them there holds.
    ...(items ? { items: brief(items, items.properties?.title === undefined) } : {}),
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, field]) => [name, brief(field, describe)]),
          ),
          ...requiredOf(withoutNull(node)),
        }
      : {}),
  };
}

function requiredOf({ required = [] }: SchemaNode): { required?: string[] } {
  return required.length > 0 ? { required } : {};
}

function complaint({ path, message, code, input }: z.core.$ZodIssue): string {
  const where = path.join('.');
  return code === 'invalid_type' && input === undefined ? `${where} is missing` : `${where}: ${message}`;
}
