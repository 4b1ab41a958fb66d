/** What a model reads in place of a writing call's result when what the call did was undone, because the worker died. */
export const interruptedText =
  'This call was interrupted and its effects were undone: the workspace is as it was before it. Make it again if it is still needed.';

/** The same of a call that changes something elsewhere: nothing of that is undone, and it may have been made. */
export const unknownText =
  'This call was interrupted, and whether it was carried out is not known. Look before you make it again.';

/** What it reads of the calls that it had asked for after such a one, not knowing of it. */
export const notReachedText = 'This call was not made, because an earlier call was interrupted and undone.';

/** Whether a result says that nothing of its call is in the workspace. */
export function saysUndone({ text }: { text: string }): boolean {
  return text === interruptedText || text === notReachedText;
}
