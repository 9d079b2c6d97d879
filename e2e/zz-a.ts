import { openPerson } from './support/person.ts';
import { createAccount, goTo } from './support/steps.ts';
process.env.TABELLION_CHROMIUM='/usr/bin/chromium';
const p = await openPerson('http://localhost:45500');
try {
await p.plug('platform');
console.log(await createAccount(p,'Anna','platform'));
await goTo(p.page,'Home');
await p.page.getByRole('button',{name:'Get coins'}).click();
await p.page.waitForTimeout(8000);
console.log(await p.page.locator('main').innerText());
await p.page.screenshot({path:'/tmp/shots-a/dbg.png'});
} finally { await p.close(); }
