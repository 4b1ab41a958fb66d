import { GraphQLError } from 'graphql';

/** As Linear says no: `type` is what the SDK goes by, `code` what else there is. */
function refusal(message: string, type: string, code: string, statusCode: number, presentable: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { type, code, statusCode, userError: true, userPresentableMessage: presentable },
  });
}

export const invalidInput = (why: string): GraphQLError =>
  refusal('Argument Validation Error', 'invalid input', 'INVALID_INPUT', 400, why);

export const notFound = (entity: string): GraphQLError =>
  refusal(`Entity not found: ${entity}`, 'invalid input', 'INPUT_ERROR', 400, `Could not find referenced ${entity}.`);

export const forbidden = (why: string): GraphQLError => refusal(why, 'forbidden', 'FORBIDDEN', 403, why);

export const unauthenticated = (): GraphQLError =>
  refusal(
    'Authentication required, not authenticated',
    'authentication error',
    'AUTHENTICATION_ERROR',
    401,
    'You need to authenticate to access this operation.',
  );

export const tooComplex = (complexity: number): GraphQLError =>
  refusal(
    'Query too complex',
    'invalid input',
    'INPUT_ERROR',
    400,
    `The query costs ${complexity} points; 10000 is the limit.`,
  );

/** Linear has said it in both of these ways. */
export const rateLimited = (shape: 'code' | 'type'): GraphQLError =>
  new GraphQLError('Rate limit exceeded', {
    extensions:
      shape === 'code'
        ? { code: 'RATELIMITED', statusCode: 400 }
        : { type: 'ratelimited', statusCode: 400, userError: true, userPresentableMessage: 'Rate limit exceeded' },
  });
