/** The resource that is a board. */
export function boardUri(board: string): string {
  return `blackboard://${encodeURIComponent(board)}`;
}

/** The resource that is a key: percent-encoded, slashes too, so that one key has one URI. `undefined` for what no URI can hold. */
export function keyUri(board: string, key: string): string | undefined {
  return key.isWellFormed() ? `${boardUri(board)}/${encodeURIComponent(key)}` : undefined;
}

/** The board, and the key where it is one's, that a URI of ours stands for. */
export function readBoardUri(uri: string): { readonly board: string; readonly key: string } | undefined {
  const [, board, key = ''] = /^blackboard:\/\/([^/?#]+)(?:\/([^/?#]+))?$/.exec(uri) ?? [];
  if (board === undefined) return undefined;
  try {
    return { board: decodeURIComponent(board), key: decodeURIComponent(key) };
  } catch {
    return undefined;
  }
}
