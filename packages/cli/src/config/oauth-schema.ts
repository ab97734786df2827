import { accessTokenAlgorithms } from '@meshwork/guardian/oauth';
import { z } from 'zod';

const agentName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z 0-9 . _ - and start with a letter or a digit');

const issuer = z.strictObject({
  issuer: z.url().describe('Its name, exactly as its tokens and its metadata have it.'),
  jwksUri: z.url().optional().describe('Where its keys are. Default: where its metadata says.'),
  algorithms: z.array(z.enum(accessTokenAlgorithms)).min(1).default(['EdDSA', 'ES256', 'RS256']).describe('What it signs with. Default EdDSA, ES256, RS256.'),
  organisation: z.string().min(1).max(128).optional().describe('The organisation everybody it vouches for belongs to.'),
  agents: z
    .record(z.string(), agentName)
    .optional()
    .describe('Subjects (sub; of a client for itself: its client id) and the agents they are. Others are nameless agents of their own.'),
  onlyNamed: z.boolean().optional().describe('Refuse subjects that are not in agents. Default false.'),
});

/** The section `oauth` of the configuration file. */
export const oauthField = z
  .strictObject({
    resource: z.url().describe("This hub's URL, as clients know it and tokens are made for it: https://hub.example/mcp."),
    issuers: z.array(issuer).min(1).describe('Authorization servers whose tokens open this hub.'),
    allowPrivateHosts: z
      .array(z.string().min(1))
      .optional()
      .describe('Issuers that are not public: host names, addresses, networks (CIDR). They may use http.'),
    clockTolerance: z
      .string()
      .regex(/^(?:[12]?\d|30)s$/, 'must be from 0s to 30s')
      .optional()
      .describe('How far the clocks of this hub, its issuers and its clients may be apart: up to 30s. Default 5s.'),
    dpopNonce: z.boolean().optional().describe('Want a nonce of this hub in DPoP proofs. Default false.'),
    dpopReplays: z
      .enum(['shared', 'process'])
      .optional()
      .describe(
        'Where DPoP proofs that were used are remembered: in the store, for all its hubs and over restarts, at a write for each; or by each process for itself. Default shared.',
      ),
  })
  .optional()
  .describe('Makes the hub an OAuth 2.1 resource server, beside its keys.');

export type OAuthConfig = NonNullable<z.infer<typeof oauthField>>;
