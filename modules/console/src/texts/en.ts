// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Every text of the console, screen by screen. {name} takes a value; {one, other}
// chooses by count.

export const en = {
    common: {
        cancel: 'Cancel', close: 'Close', save: 'Save', copy: 'Copy', copied: 'Copied', copyIt: 'Copy {what}', loading: 'Loading',
        tryAgain: 'Try again', optional: '(optional)', more: 'More', all: 'All', none: 'None', edit: 'Edit', remove: 'Remove', create: 'Create',
        loadMore: 'Load more', saved: 'Saved', you: 'you',
    },
    status: { pending: 'Pending', approved: 'Approved', rejected: 'Rejected', corrected: 'Corrected' },
    errors: {
        unreachable: 'The server does not answer. What you typed is kept.',
        forbidden: 'You may not do this: {detail}',
        tooMany: { one: 'Too many requests. Try again in {count} second.', other: 'Too many requests. Try again in {count} seconds.' },
        server: 'The server could not do it now: {detail}',
    },
    shell: {
        skip: 'Skip to content', nav: 'Screens', project: 'Project', chooseProject: 'Choose a project', allProjects: 'All projects',
        traces: 'Traces', review: 'Review', webhooks: 'Webhooks', prompts: 'Prompts', analytics: 'Analytics', audit: 'Audit', settings: 'Settings',
        signOut: 'Sign out', organization: 'Organization', theme: 'Theme', themeSystem: 'As the system', themeLight: 'Light', themeDark: 'Dark',
        language: 'Language', help: 'Keyboard shortcuts', account: 'Account of {name}', offline: 'Offline: the server does not answer. What you do is kept here and sent when it is back.',
        shortcutsOn: 'Single-key shortcuts', shortcutsNote: 'Turn them off if you use speech input or press keys by accident.',
        notFound: 'There is no such page', notFoundText: 'The address may be old or mistyped.', toTraces: 'Go to the traces',
        noOrganization: 'You belong to no organization yet', noOrganizationText: 'You are signed in, but nobody has added your login to an organization. Ask an administrator to add it under Settings, Members.',
        chooseOrganization: 'Choose an organization', broken: 'Something broke on this page', brokenText: 'Your drafts are kept. Load the page again; if it happens once more, tell your administrator what you did.', loadAgain: 'Load again',
    },
    signIn: {
        title: 'Sign in', login: 'Name', password: 'Password', submit: 'Sign in', wrong: 'The name or the password is wrong.',
        ended: 'Your session has ended. Sign in to go on; your drafts are kept.',
    },
};
