import { parse } from '@babel/parser';

type Statement = ReturnType<typeof parse>['program']['body'][number];
type Alias = Extract<Statement, { type: 'TSTypeAliasDeclaration' }>;
type Enum = Extract<Statement, { type: 'TSEnumDeclaration' }>;
type Type = Alias['typeAnnotation'];

interface Field {
  name: string;
  type: Type;
  isOptional: boolean;
}

interface Shape {
  /** The interfaces that it implements. */
  interfaces: string[];
  fields: Field[];
}

const builtIn = ['ID', 'String', 'Boolean', 'Int', 'Float'];

/**
 * The GraphQL schema from which graphql-codegen made these type declarations. What they do not say is lost: descriptions,
 * default values, directives, and inputs that nothing takes.
 */
export function deriveSchema(declarations: string): string {
  const { program } = parse(withoutOperations(declarations), {
    sourceType: 'module',
    plugins: [['typescript', { dts: true }]],
  });
  const aliases = new Map<string, Alias>();
  const enums: Enum[] = [];
  for (const statement of program.body) {
    if (statement.type === 'TSTypeAliasDeclaration') aliases.set(statement.id.name, statement);
    if (statement.type === 'TSEnumDeclaration') enums.push(statement);
  }

  const shapes = new Map<string, Shape>();
  const objects = new Set<string>();
  /** By what they belong to: codegen writes `Query` and `issueLabels` as `QueryIssueLabelsArgs`. */
  const argumentsOf = new Map<string, Field[]>();
  for (const [name, alias] of aliases) {
    const shape = alias.typeParameters ? null : shapeOf(alias.typeAnnotation);
    if (!shape) continue;
    const fields = shape.fields.filter((field) => field.name !== '__typename');
    if (fields.length < shape.fields.length) objects.add(name);
    shapes.set(name, { ...shape, fields });
    if (name.endsWith('Args')) argumentsOf.set(plain(name), fields);
  }
  const interfaces = new Set([...objects].flatMap((name) => shapes.get(name)?.interfaces ?? []));

  const named = new Set<string>();
  const text: string[] = [];
  function emit(name: string, definition: string): void {
    named.add(name);
    text.push(definition);
  }

  for (const { name } of shapes.get('Scalars')?.fields ?? [])
    if (!builtIn.includes(name)) emit(name, `scalar ${name}`);
    else named.add(name);
  for (const each of enums) emit(each.id.name, `enum ${each.id.name} {\n${valuesOf(each).join('\n')}\n}`);
  for (const name of objects) {
    const { interfaces: implemented, fields } = shapes.get(name) as Shape;
    const heading = implemented.length ? `${name} implements ${implemented.join(' & ')}` : name;
    emit(name, `type ${heading} {\n${outputs(name, fields)}\n}`);
  }

  const wanted = [...interfaces, ...mentionedIn(text)];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (named.has(name)) continue;
    const shape = shapes.get(name);
    const definition = shape
      ? interfaces.has(name)
        ? `interface ${name} {\n${outputs(name, shape.fields)}\n}`
        : `input ${name} {\n${shape.fields.map(inputOf).join('\n')}\n}`
      : `union ${name} = ${membersOf(name, aliases.get(name)).join(' | ')}`;
    emit(name, definition);
    wanted.push(...mentionedIn([definition]));
  }
  return `${text.join('\n')}\n`;

  function outputs(owner: string, fields: Field[]): string {
    return fields
      .map(({ name, type }) => {
        const taken = argumentsOf.get(plain(`${owner}${name}Args`));
        return `${name}${taken ? `(${taken.map(inputOf).join(', ')})` : ''}: ${typeOf(type)}`;
      })
      .join('\n');
  }
}

/** The types of the SDK's own operations are most of the text and none of the schema. */
function withoutOperations(declarations: string): string {
  const first = /^type \w+Fragment = /m.exec(declarations);
  const start = /^type Maybe<T> = /m.exec(declarations);
  return declarations.slice(start?.index ?? 0, first?.index);
}

function shapeOf(type: Type): Shape | null {
  const parts = type.type === 'TSIntersectionType' ? type.types : [type];
  const literal = parts.find((part) => part.type === 'TSTypeLiteral');
  if (!literal) return null;
  const fields = literal.members.flatMap((member) => {
    if (member.type !== 'TSPropertySignature' || !member.typeAnnotation) return [];
    const { key } = member;
    const name = key.type === 'Identifier' ? key.name : key.type === 'StringLiteral' ? key.value : null;
    return name === null
      ? []
      : [{ name, type: member.typeAnnotation.typeAnnotation, isOptional: member.optional === true }];
  });
  const interfaces = parts.flatMap((part) => (part.type === 'TSTypeReference' ? [nameOf(part)] : []));
  return { interfaces, fields };
}

function inputOf({ name, type, isOptional }: Field): string {
  const written = typeOf(type);
  return `${name}: ${isOptional ? written.replace(/!$/, '') : written}`;
}

function typeOf(type: Type): string {
  if (type.type === 'TSIndexedAccessType') {
    const index = type.indexType;
    if (index.type === 'TSLiteralType' && index.literal.type === 'StringLiteral') return `${index.literal.value}!`;
  }
  if (type.type === 'TSArrayType') return `[${typeOf(type.elementType)}]!`;
  if (type.type === 'TSTypeReference') {
    const name = nameOf(type);
    const [inner] = type.typeArguments?.params ?? [];
    if (!inner) return `${name}!`;
    if (name === 'Array') return `[${typeOf(inner)}]!`;
    if (name === 'Maybe' || name === 'InputMaybe') return typeOf(inner).replace(/!$/, '');
  }
  throw new Error(`The type declarations have a ${type.type} where a GraphQL type was expected.`);
}

function nameOf(reference: Extract<Type, { type: 'TSTypeReference' }>): string {
  if (reference.typeName.type !== 'Identifier') throw new Error('The type declarations have a qualified name.');
  return reference.typeName.name;
}

function membersOf(name: string, alias: Alias | undefined): string[] {
  if (!alias) throw new Error(`The type declarations mention ${name} and do not declare it.`);
  const type = alias.typeAnnotation;
  const members = type.type === 'TSUnionType' ? type.types : [type];
  return members.map((member) => {
    if (member.type !== 'TSTypeReference') throw new Error(`The type declarations make ${name} of a ${member.type}.`);
    return nameOf(member);
  });
}

function valuesOf({ body }: Enum): string[] {
  return body.members.map(({ id, initializer }) => {
    if (initializer?.type === 'StringLiteral') return initializer.value;
    return id.type === 'Identifier' ? id.name : id.value;
  });
}

/** The types behind colons and in unions. */
function mentionedIn(definitions: string[]): string[] {
  return definitions.flatMap((definition) =>
    definition.startsWith('union ')
      ? definition.replace(/^.*? = /, '').split(' | ')
      : [...definition.matchAll(/: \[*(\w+)/g)].map((match) => match[1] ?? ''),
  );
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '');
}
