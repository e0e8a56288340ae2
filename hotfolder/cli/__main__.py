"""`python -m hotfolder.cli`."""

import sys

from hotfolder.cli import main

sys.exit(main())
