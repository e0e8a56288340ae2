"""`python -m hotfolder.cli`."""

import sys

from hotfolder.cli.main import main

sys.exit(main())
