// Headless Chromium, for programs that look at pages; where there is none, they end here.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

import { ok } from './tap.mjs'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
if (!executablePath) {
	console.log('1..0 # SKIP there is no Chromium')
	process.exit(0)
}

// Each browser has a profile of its own and asks nobody for anything.
export async function browse(options, visit) {
	const folder = await mkdtemp(join(tmpdir(), 'djust_auth_browser.'))
	const context = await chromium.launchPersistentContext(folder, {
		executablePath, headless: true, ...options,
		args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
			'--disable-component-update', '--disable-sync'],
	})
	try {
		const page = await context.newPage()
		page.troubles = []
		page.foreign = []
		page.on('console', message => { if (message.type() === 'error') page.troubles.push(message.text()) })
		page.on('pageerror', error => page.troubles.push(String(error)))
		page.on('request', request => { if (!request.url().startsWith(process.env.HTTP_URL) && !request.url().startsWith('data:')) page.foreign.push(request.url()) })
		await visit(page)
	} finally {
		await context.close()
		await rm(folder, { recursive: true, force: true })
	}
}

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// WCAG 2.2 A and AA, by axe-core, which the driver injects past the page's policy.  A router gives the same pages.
export async function accessible(page, what) {
	if (process.env.HTTP_DRIVER === 'router') return
	await page.evaluate(axe)
	const { violations, passes } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
	ok(violations.length === 0 && passes.length > 10, `${what}: axe-core finds nothing, ${passes.length} checks pass`,
		JSON.stringify(violations.map(v => [v.id, v.nodes.map(n => n.html)])))
}
