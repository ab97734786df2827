/** The URL of the hub, as sessions, access tokens and proofs are made for it. */
export const RESOURCE = 'http://127.0.0.1/mcp';
