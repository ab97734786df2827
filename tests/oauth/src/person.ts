/** Somebody at a browser, who opens the link of a device flow and answers what is asked there with yes, or with no. */
export async function enterCode(link: string, answer: 'yes' | 'no' = 'yes'): Promise<string> {
  const cookies = new Map<string, string>();
  let hops = 0;
  const visit = async (url: string, form?: Record<string, string>): Promise<{ readonly url: string; readonly page: string }> => {
    hops += 1;
    if (hops > 20) throw new Error(`lost on the way, at ${url}`);
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const next = response.headers.get('location');
    return next === null ? { url, page: await response.text() } : visit(new URL(next, url).href);
  };
  const field = (page: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? '';
  const entered = await visit(link);
  const action = (page: string) => /action="([^"]*)"/.exec(page)?.[1] ?? '';
  const confirm = await visit(action(entered.page), { xsrf: field(entered.page, 'xsrf'), user_code: field(entered.page, 'user_code') });
  const said = answer === 'yes' ? { confirm: 'yes' } : { abort: 'yes' };
  const { page } = await visit(action(confirm.page), { xsrf: field(confirm.page, 'xsrf'), user_code: field(confirm.page, 'user_code'), ...said });
  return page;
}
