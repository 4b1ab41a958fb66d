/** What a model reads in place of a writing call's result when the worker died while it was being made. */
export const interruptedText =
  'This call was interrupted and its effects were undone: the workspace is as it was before this turn. Make the calls of that turn again if they are still needed.';
